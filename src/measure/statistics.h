// SPDX-License-Identifier: GPL-2.0-or-later
// Comparisons that assume no distribution: how much two configurations differ, how sure that is, and when to stop.
//
// Latencies and throughputs are skewed, have outliers and come in few repetitions, so nothing here assumes normality.
//
// Paired (experiments): which of the two arms of a pair runs first is drawn by lot. If the arms do not differ, each
// difference is therefore as likely to be positive as negative, whatever its size: its sign is a fair coin. We bet on
// that coin. Starting from 1, a bet of fraction f multiplies the wealth by 1+f or 1-f; against a fair coin no strategy
// gains on average, and by Ville's inequality the chance that wealth ever reaches 1/level is at most `level` (Shafer,
// "Testing by betting", 2021; Ramdas et al., "Game-theoretic statistics and safe anytime-valid inference", 2023). So
// one may look after every pair and stop when convinced. How much is staked on a sign may depend on the size of the
// difference, seen before its sign: large differences tell more, as in Wilcoxon's signed ranks with normal scores.
// Several strategies, for small to large effects, each get a share of the stake.
//
// Inverting the test gives the confidence interval: every shift that the wealth has not refuted. Its centre is the
// Hodges-Lehmann estimate, the median of all pairwise means.
//
// Unpaired (baselines: results of then and now): Mann and Whitney's exact test, inverted the same way.
#pragma once

#include "model/verdict.h"

#include <span>
#include <vector>

namespace netwright::measure {

// By how many times the betting has multiplied its stake against "the differences are symmetric around `shift`".
// At least 1/level refutes it at that level, however often one has looked. 1 for no differences.
double evidence(std::span<const double> differences, double shift = 0);

// Median of the means of all pairs of values, each with itself included; 0 for none.
double hodges_lehmann(std::span<const double> differences);

// Every shift that `evidence` does not refute at `level`; valid under peeking too.
Interval paired_interval(std::span<const double> differences, double level);

// Of the shift from `before` to `after`, two independent samples; confidence at least 1 - level.
Interval unpaired_interval(std::span<const double> before, std::span<const double> after, double level);

} // namespace netwright::measure

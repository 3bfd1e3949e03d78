# SPDX-License-Identifier: GPL-2.0-or-later
# Each src/**/*.bpf.c becomes a BPF object and a libbpf skeleton header: generated/<name>.skel.h.
function(netwright_add_bpf target)
endfunction()

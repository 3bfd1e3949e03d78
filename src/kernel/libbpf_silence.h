// SPDX-License-Identifier: GPL-2.0-or-later
// libbpf writes to standard error, which is the command's, not ours: silent while this lives.
#pragma once

#include <bpf/libbpf.h>

namespace netwright::kernel {

class LibbpfSilence {
public:
    LibbpfSilence() : before_(libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; })) {}
    ~LibbpfSilence() { libbpf_set_print(before_); }
    LibbpfSilence(const LibbpfSilence&) = delete;
    LibbpfSilence& operator=(const LibbpfSilence&) = delete;

private:
    libbpf_print_fn_t before_;
};

} // namespace netwright::kernel

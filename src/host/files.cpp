// SPDX-License-Identifier: GPL-2.0-or-later
// The host's table of open files.
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

namespace netwright::host {

// allocated, free (always 0 since 2.6), the limit: fs/file_table.c proc_nr_files().
Result<FileTable> parse_file_table(std::string_view text)
{
    const auto words = split_words(text);
    if (words.size() != 3) return fail(Error::Kind::Malformed, "not three numbers");
    return FileTable{TRY(parse_unsigned(words[0])), TRY(parse_unsigned(words[2]))};
}

Result<FileTable> collect_files(const kernel::Kernel& kernel)
{
    constexpr std::string_view path = "proc/sys/fs/file-nr";
    return in_file(parse_file_table(TRY(kernel.files.read(path))), kernel.files, path);
}

} // namespace netwright::host

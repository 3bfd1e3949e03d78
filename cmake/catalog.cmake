# SPDX-License-Identifier: GPL-2.0-or-later
# catalog/*.yaml becomes C++ tables at build time; nothing parses YAML when netwright starts.
function(netwright_add_catalog target)
endfunction()

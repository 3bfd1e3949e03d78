// SPDX-License-Identifier: GPL-2.0-or-later
// netwright: looks at a host's network stack, explains, plans, applies and proves.
#include <cstdio>

int main()
{
    std::puts("netwright " NETWRIGHT_VERSION);
    return 0;
}

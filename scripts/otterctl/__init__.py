# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the `otter` command. Standard library only, Python 3.11 on."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Real things for tests: a real server, a real browser, and patience that ends."""

// SPDX-License-Identifier: GPL-3.0-or-later
// One side at a time, step by step.

import './test_negotiation.js';
import './test_pair_stream.js';

-- SPDX-License-Identifier: GPL-3.0-or-later
-- For wrk: the same POST again and again; says how many answers were none of success.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
wrk.body = os.getenv("BENCH_BODY")

/* SPDX-License-Identifier: GPL-3.0-or-later
 * ICE candidates (RFC 8839, 5.1), as far as a relay room must know them: do they show an address of their owner? */
#ifndef OTTER_CANDIDATE_H
#define OTTER_CANDIDATE_H

#include <stdbool.h>

/* `candidate` is the `candidate` of an RTCIceCandidateInit, with or without "a=". True if it is empty (end of candidates), or of type relay
 * with no related address but 0.0.0.0 or ::. What does not parse shows too much. */
bool otter_candidate_hides_address(const char *candidate);

/* True if each candidate line in `sdp` does. */
bool otter_sdp_hides_addresses(const char *sdp);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * Public keys of foreign issuers, as they are given to us: PEM (RFC 7468, "PUBLIC KEY"). */
#ifndef OTTER_PUBLIC_KEY_H
#define OTTER_PUBLIC_KEY_H

#include "err.h"
#include "records.h"

/* Is `pem` one public key for `alg`: ES256 a point on P-256, uncompressed (RFC 5480); RS256 an RSA modulus of 2048 to 4096 bits (RFC 8017)?
 * invalid_request, which says what it is instead. What passes may still verify nothing: whether a point lies on the curve is libjwt's to find. */
enum otter_err otter_public_key_check(const char *pem, enum otter_issuer_alg alg, struct otter_error *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The text half of json.h: decides whether bytes are JSON as we take it, and says where not. */
#pragma once

#include <stddef.h>

#include "vmm/base/error.h"

/* kvs_json_scan_text - 0, or -EBADMSG as kvs_json_parse() says */
int kvs_json_scan_text(const char *text, size_t size, struct kvs_error *err);

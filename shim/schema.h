/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

/*
 * kvs_schema_write - `features --schema`: a JSON schema of the specs that are not refused
 *
 * Made from the field table; specs/spec.schema.json is a copy, which a unit test compares.
 *
 * Return: 0 or -errno.
 */
int kvs_schema_write(FILE *out);

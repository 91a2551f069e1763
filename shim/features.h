/* SPDX-License-Identifier: Apache-2.0 */
/* What this kvshim can do with a spec, told to engines, people and editors. */
#pragma once

#include <stdio.h>

/*
 * kvs_features_write - the verb `features`: the features structure of runtime-spec 1.2
 *
 * All of it comes from the field table, so it never claims what is only absorbed.
 *
 * Return: 0 or -errno, as the others.
 */
int kvs_features_write(FILE *out);

/* kvs_features_write_fields - `features --fields`: every field and its class, as in kvshim-spec(5)
 */
int kvs_features_write_fields(FILE *out);

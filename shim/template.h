/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

/*
 * kvs_template_write - the verb `spec`: a commented spec to start from
 *
 * Runs as it is beside a directory rootfs with a static bin/busybox.
 *
 * Return: 0 or -EIO.
 */
int kvs_template_write(FILE *out);

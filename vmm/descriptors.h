/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GDT, IDT and TSS with its I/O permission bitmap, as bytes of one guest page.
 *
 * Source: SDM 3A 3.4.5 (segment descriptors), 6.14.1 (64-bit gates), 7.7 (64-bit TSS),
 * SDM 1 19.5.2 (I/O permission bit map).
 */
#pragma once

#include "guest-init/abi.h"

#include <stdbool.h>

enum {
	KVS_VECTOR_PAGE_FAULT = 14,
	KVS_GDT_BYTES = KVS_SEL_TSS + 16,
	KVS_IDT_BYTES = KVS_VECTORS * 16,
	KVS_TSS_FIXED_BYTES = 104,
	KVS_TSS_BITMAP_BYTES = KVS_PORTS / 8 + 1, /* the CPU reads one byte beyond, all ones */
	KVS_TSS_BYTES = KVS_TSS_FIXED_BYTES + KVS_TSS_BITMAP_BYTES,
};

/* kvs_descriptors_write - fill a page; @ports, ended by a 0, are what ring 3 may use */
void kvs_descriptors_write(uint8_t *page, const uint16_t *ports);

/* kvs_descriptors_grant - allow or refuse one port below KVS_PORTS */
void kvs_descriptors_grant(uint8_t *page, uint16_t port, bool allow);

/* kvs_descriptors_has_error_code - whether the CPU pushes one for this exception */
bool kvs_descriptors_has_error_code(unsigned int vector);

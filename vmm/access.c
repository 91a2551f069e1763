/* SPDX-License-Identifier: Apache-2.0 */
/* The host's access to guest memory: page by page through the areas, as a fault would come. */
#include "access.h"

#include <errno.h>
#include <string.h>

/* Host address of one page, bringing it in. */
static int reach_page(struct kvs_mm *mm, kvs_gva gva, unsigned int access, kvs_gpa *ret_gpa)
{
	kvs_gva page = gva & -(uint64_t)KVS_PAGE_SIZE;
	int r;

	if (gva < KVS_GVA_MIN || gva >= KVS_GVA_MAX)
		return -EFAULT;
	r = kvs_mm_fault(mm, gva, access);
	if (r < 0)
		return r;
	*ret_gpa = *kvs_pagetable_next(&mm->pt, &page, page + KVS_PAGE_SIZE) & KVS_PTE_GPA;
	return 0;
}

int64_t kvs_access_span(
	struct kvs_mm *mm, kvs_gva gva, uint64_t size, unsigned int access, void **ret_host)
{
	uint64_t offset = gva % KVS_PAGE_SIZE, got = KVS_PAGE_SIZE - offset;
	kvs_gpa first, next;
	int r = reach_page(mm, gva, access, &first);

	if (r < 0)
		return r;
	*ret_host = (uint8_t *)kvs_ram_at(mm->pt.ram, first) + offset;
	while (got < size && reach_page(mm, gva + got, access, &next) == 0 &&
		next == first + offset + got)
		got += KVS_PAGE_SIZE;
	return (int64_t)(got < size ? got : size);
}

int64_t kvs_access_iov(struct kvs_mm *mm, kvs_gva gva, uint64_t size, unsigned int access,
	struct iovec *iov, int max, int *ret_count)
{
	uint64_t done = 0;
	int count = 0;

	while (done < size && count < max) {
		void *host;
		int64_t n = kvs_access_span(mm, gva + done, size - done, access, &host);

		if (n < 0 && done == 0)
			return n;
		if (n < 0)
			break;
		iov[count++] = (struct iovec){ host, (size_t)n };
		done += (uint64_t)n;
	}
	*ret_count = count;
	return (int64_t)done;
}

int kvs_access_load(struct kvs_mm *mm, void *ret_data, kvs_gva gva, size_t size)
{
	for (size_t done = 0; done < size;) {
		void *host;
		int64_t n = kvs_access_span(mm, gva + done, size - done, KVS_PROT_READ, &host);

		if (n < 0)
			return -EFAULT;
		memcpy((uint8_t *)ret_data + done, host, (size_t)n);
		done += (size_t)n;
	}
	return 0;
}

int kvs_access_store(struct kvs_mm *mm, kvs_gva gva, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		void *host;
		int64_t n = kvs_access_span(mm, gva + done, size - done, KVS_PROT_WRITE, &host);

		if (n < 0)
			return -EFAULT;
		memcpy(host, (const uint8_t *)data + done, (size_t)n);
		done += (size_t)n;
	}
	return 0;
}

int64_t kvs_access_load_string(struct kvs_mm *mm, char *ret_string, kvs_gva gva, size_t size)
{
	for (size_t done = 0; done < size;) {
		size_t in_page = KVS_PAGE_SIZE - (gva + done) % KVS_PAGE_SIZE;
		size_t want = size - done < in_page ? size - done : in_page;
		void *host, *nul;

		if (kvs_access_span(mm, gva + done, want, KVS_PROT_READ, &host) < 0)
			return -EFAULT;
		memcpy(ret_string + done, host, want);
		nul = memchr(ret_string + done, 0, want);
		if (nul)
			return (char *)nul - ret_string;
		done += want;
	}
	return -ENAMETOOLONG;
}

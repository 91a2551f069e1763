/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once on each file named, and on each file of each directory named. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, n;

	if (!in)
		return -1;
	do {
		data = realloc(data, size + 65536);
		if (!data)
			abort();
		n = fread(data + size, 1, 65536, in);
		size += n;
	} while (n > 0);
	fclose(in);
	/* A copy that ends where its memory ends, for the sanitizers. */
	data = realloc(data, size ? size : 1);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

static int replay_directory(const char *path, unsigned int *count)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		char file[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		r = replay_file(file);
		(*count)++;
	}
	if (dir)
		closedir(dir);
	return r;
}

int main(int argc, char **argv)
{
	unsigned int count = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;
		int r = stat(argv[i], &st);

		if (r == 0 && S_ISDIR(st.st_mode))
			r = replay_directory(argv[i], &count);
		else if (r == 0)
			r = replay_file(argv[i]), count++;
		if (r < 0) {
			fprintf(stderr, "replay: cannot read '%s'\n", argv[i]);
			return 1;
		}
	}
	printf("%u inputs\n", count);
	return count == 0;
}

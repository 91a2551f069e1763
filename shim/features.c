/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/features.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/spec_fields.h"
#include "vmm/base/cleanup.h"

#define OCI_VERSION_MIN "1.0.0"
#define OCI_VERSION_MAX "1.2.0"

static bool is_applied(const char *path)
{
	const struct kvs_spec_field *field = kvs_spec_fields_find(path);

	return field && kvs_spec_fields_class_of(field) == KVS_SPEC_APPLIED;
}

/* An array of the fields, or values, of @path that are applied. */
static void add_applied(cJSON *object, const char *name, const char *path, char separator)
{
	const struct kvs_spec_field *parent = kvs_spec_fields_find(path);
	const struct kvs_spec_field *field = NULL;
	cJSON *array = cJSON_AddArrayToObject(object, name);
	const char *text;

	while (parent && (field = kvs_spec_fields_next(parent, field, separator, &text)))
		if (kvs_spec_fields_class_of(field) == KVS_SPEC_APPLIED)
			cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

static void add_enabled(cJSON *object, const char *name, const char *path)
{
	cJSON_AddBoolToObject(cJSON_AddObjectToObject(object, name), "enabled", is_applied(path));
}

/* A row that says something of its own; the others follow from one of these. */
static bool is_listed(const struct kvs_spec_field *field, enum kvs_spec_class class)
{
	return field->class == class && field->text[0];
}

/* One annotation a class: the paths of its fields, one space between them. */
static void add_class(cJSON *annotations, const char *name, enum kvs_spec_class class)
{
	size_t count;
	const struct kvs_spec_field *fields = kvs_spec_fields_table(&count);
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	for (size_t i = 0; i < count; i++)
		if (is_listed(&fields[i], class))
			fprintf(stream, "%s%s", ftell(stream) ? " " : "", fields[i].path);
	if (fclose(stream) == 0)
		cJSON_AddStringToObject(annotations, name, text);
}

static void add_linux(cJSON *features)
{
	cJSON *section = cJSON_AddObjectToObject(features, "linux");
	bool has_cgroup = is_applied("/linux/cgroupsPath");
	cJSON *cgroup;

	add_applied(section, "namespaces", "/linux/namespaces/*/type", '=');
	cJSON_AddArrayToObject(section, "capabilities");
	cgroup = cJSON_AddObjectToObject(section, "cgroup");
	cJSON_AddBoolToObject(cgroup, "v1", false);
	cJSON_AddBoolToObject(cgroup, "v2", has_cgroup);
	cJSON_AddBoolToObject(cgroup, "systemd", has_cgroup);
	cJSON_AddBoolToObject(cgroup, "systemdUser", has_cgroup);
	cJSON_AddBoolToObject(cgroup, "rdma", false);
	add_enabled(section, "seccomp", "/linux/seccomp");
	add_enabled(section, "apparmor", "/process/apparmorProfile");
	add_enabled(section, "selinux", "/process/selinuxLabel");
	add_enabled(section, "intelRdt", "/linux/intelRdt");
	add_enabled(cJSON_AddObjectToObject(section, "mountExtensions"), "idmap",
		"/mounts/*/uidMappings");
}

static void add_annotations(cJSON *features)
{
	cJSON *annotations = cJSON_AddObjectToObject(features, "annotations");

	cJSON_AddStringToObject(annotations, "org.kvshim.version", KVSHIM_VERSION);
	add_class(annotations, "org.kvshim.fields.applied", KVS_SPEC_APPLIED);
	add_class(annotations, "org.kvshim.fields.absorbed", KVS_SPEC_ABSORBED);
	add_class(annotations, "org.kvshim.fields.refused", KVS_SPEC_REFUSED);
}

int kvs_features_write(FILE *out)
{
	static const char *const unsafe[] = { "org.kvshim." };
	cJSON *features = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;

	cJSON_AddStringToObject(features, "ociVersionMin", OCI_VERSION_MIN);
	cJSON_AddStringToObject(features, "ociVersionMax", OCI_VERSION_MAX);
	add_applied(features, "hooks", "/hooks", '/');
	add_applied(features, "mountOptions", "/mounts/*/options", '=');
	add_linux(features);
	add_annotations(features);
	cJSON_AddItemToObject(features, "potentiallyUnsafeConfigAnnotations",
		cJSON_CreateStringArray(unsafe, sizeof(unsafe) / sizeof(unsafe[0])));
	text = cJSON_Print(features);
	cJSON_Delete(features);
	if (!text)
		return -ENOMEM;
	return fprintf(out, "%s\n", text) < 0 || fflush(out) != 0 ? -EIO : 0;
}

/* Whether an earlier row of the class gives the same reason. */
static bool is_repeated(const struct kvs_spec_field *fields, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_listed(&fields[j], fields[i].class) &&
			strcmp(fields[j].text, fields[i].text) == 0)
			return true;
	return false;
}

/* The fields of a class, those with the same reason together. */
static void write_class(FILE *out, enum kvs_spec_class class)
{
	size_t count;
	const struct kvs_spec_field *fields = kvs_spec_fields_table(&count);

	fprintf(out, "%s\n", kvs_spec_fields_class_name(class));
	for (size_t i = 0; i < count; i++) {
		if (!is_listed(&fields[i], class) || is_repeated(fields, i))
			continue;
		for (size_t j = i; j < count; j++)
			if (is_listed(&fields[j], class) &&
				strcmp(fields[j].text, fields[i].text) == 0)
				fprintf(out, "  %s\n", fields[j].path);
		fprintf(out, "      %s\n", fields[i].text);
	}
}

int kvs_features_write_fields(FILE *out)
{
	write_class(out, KVS_SPEC_APPLIED);
	fputc('\n', out);
	write_class(out, KVS_SPEC_ABSORBED);
	fputc('\n', out);
	write_class(out, KVS_SPEC_REFUSED);
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

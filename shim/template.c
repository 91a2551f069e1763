/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/template.h"

#include <errno.h>

/* clang-format off */
static const char template[] =
"{\n"
"	\"//\": \"A spec for kvshim. A key that begins with // is a comment, with all it holds; see kvshim-spec(5).\",\n"
"	\"ociVersion\": \"1.2.0\",\n"
"	\"process\": {\n"
"		\"//args\": \"The program, looked up inside root.path, and its arguments: a static x86-64 ELF.\",\n"
"		\"args\": [\"/bin/busybox\", \"echo\", \"hello\"],\n"
"		\"//env\": \"All of its environment; nothing comes from yours.\",\n"
"		\"env\": [\"PATH=/bin\", \"HOME=/\"],\n"
"		\"cwd\": \"/\",\n"
"		\"//terminal\": \"true for programs that want a terminal, such as a shell.\",\n"
"		\"terminal\": false\n"
"	},\n"
"	\"root\": {\n"
"		\"//path\": \"What the program sees as /; relative to the directory of this file.\",\n"
"		\"path\": \"rootfs\",\n"
"		\"readonly\": true\n"
"	},\n"
"	\"hostname\": \"kvshim\",\n"
"	\"annotations\": {\n"
"		\"//memory\": \"Guest RAM, 1M to 1024G. Only what the program touches is used.\",\n"
"		\"org.kvshim.memory\": \"256M\",\n"
"		\"//deadline\": \"Stop the program after a while; remove the // to have it.\",\n"
"		\"//org.kvshim.deadline\": \"10s\"\n"
"	}\n"
"}\n";
/* clang-format on */

int kvs_template_write(FILE *out)
{
	return fputs(template, out) < 0 || fflush(out) != 0 ? -EIO : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a system call: Linux's name, and the handler kvs_<handler>. What is not here returns
 * ENOSYS. The dispatch table and the debug names come from these rows.
 */
#pragma once

#include "linux.h"

#define KVS_LINUX_CALLS(X)                                                                         \
	X(read, files_read)                                                                        \
	X(write, files_write)                                                                      \
	X(readv, files_readv)                                                                      \
	X(writev, files_writev)                                                                    \
	X(pread64, files_pread)                                                                    \
	X(lseek, files_lseek)                                                                      \
	X(close, files_close)                                                                      \
	X(dup, files_dup)                                                                          \
	X(dup2, files_dup2)                                                                        \
	X(dup3, files_dup3)                                                                        \
	X(fcntl, files_fcntl)                                                                      \
	X(ioctl, files_ioctl)                                                                      \
	X(poll, poll_poll)                                                                         \
	X(ppoll, poll_ppoll)                                                                       \
	X(select, poll_select)                                                                     \
	X(pselect6, poll_pselect6)                                                                 \
	X(pipe, files_pipe)                                                                        \
	X(pipe2, files_pipe2)                                                                      \
	X(fadvise64, files_fadvise)                                                                \
	X(fsync, files_fsync)                                                                      \
	X(fdatasync, files_fsync)                                                                  \
	X(open, path_open_call)                                                                    \
	X(openat, path_openat)                                                                     \
	X(stat, stat_stat)                                                                         \
	X(lstat, stat_lstat)                                                                       \
	X(fstat, stat_fstat)                                                                       \
	X(newfstatat, stat_newfstatat)                                                             \
	X(statx, stat_statx)                                                                       \
	X(access, stat_access)                                                                     \
	X(faccessat, stat_faccessat)                                                               \
	X(faccessat2, stat_faccessat)                                                              \
	X(readlink, path_readlink)                                                                 \
	X(readlinkat, path_readlinkat)                                                             \
	X(getdents64, path_getdents64)                                                             \
	X(getcwd, path_getcwd)                                                                     \
	X(chdir, path_chdir)                                                                       \
	X(fchdir, path_fchdir)                                                                     \
	X(statfs, stat_statfs)                                                                     \
	X(fstatfs, stat_fstatfs)                                                                   \
	X(brk, memory_brk)                                                                         \
	X(mmap, memory_mmap)                                                                       \
	X(munmap, memory_munmap)                                                                   \
	X(mprotect, memory_mprotect)                                                               \
	X(mremap, memory_mremap)                                                                   \
	X(madvise, memory_madvise)                                                                 \
	X(clock_gettime, time_clock_gettime)                                                       \
	X(clock_getres, time_clock_getres)                                                         \
	X(gettimeofday, time_gettimeofday)                                                         \
	X(time, time_time)                                                                         \
	X(times, time_times)                                                                       \
	X(nanosleep, time_nanosleep)                                                               \
	X(clock_nanosleep, time_clock_nanosleep)                                                   \
	X(alarm, time_alarm)                                                                       \
	X(setitimer, time_setitimer)                                                               \
	X(getitimer, time_getitimer)                                                               \
	X(exit, process_exit)                                                                      \
	X(exit_group, process_exit)                                                                \
	X(getpid, process_getpid)                                                                  \
	X(gettid, process_getpid)                                                                  \
	X(getppid, process_getppid)                                                                \
	X(getpgrp, process_getpid)                                                                 \
	X(getpgid, process_getpid)                                                                 \
	X(getsid, process_getpid)                                                                  \
	X(getuid, process_getuid)                                                                  \
	X(geteuid, process_getuid)                                                                 \
	X(getgid, process_getgid)                                                                  \
	X(getegid, process_getgid)                                                                 \
	X(getgroups, process_getgroups)                                                            \
	X(umask, process_umask)                                                                    \
	X(uname, process_uname)                                                                    \
	X(arch_prctl, process_arch_prctl)                                                          \
	X(set_tid_address, process_getpid)                                                         \
	X(set_robust_list, process_nothing)                                                        \
	X(prlimit64, process_prlimit64)                                                            \
	X(getrlimit, process_getrlimit)                                                            \
	X(getrusage, process_getrusage)                                                            \
	X(getrandom, process_getrandom)                                                            \
	X(sched_yield, process_nothing)                                                            \
	X(sched_getaffinity, process_sched_getaffinity)                                            \
	X(sysinfo, process_sysinfo)                                                                \
	X(prctl, process_prctl)                                                                    \
	X(futex, process_futex)                                                                    \
	X(rt_sigaction, signals_action)                                                            \
	X(rt_sigprocmask, signals_mask)                                                            \
	X(rt_sigreturn, signals_return)                                                            \
	X(rt_sigsuspend, signals_suspend)                                                          \
	X(pause, signals_pause)                                                                    \
	X(sigaltstack, signals_altstack)                                                           \
	X(kill, signals_kill)                                                                      \
	X(tkill, signals_kill)                                                                     \
	X(tgkill, signals_tgkill)

/* A handler: the six arguments in order; the result or -errno. */
#define X(name, handler) int64_t kvs_##handler(struct kvs_linux *l, const uint64_t *a);
KVS_LINUX_CALLS(X)
#undef X

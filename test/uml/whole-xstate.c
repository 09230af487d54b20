/*
 * Loaded into linux.uml with LD_PRELOAD. Linux 6.1 as a user-mode kernel knows the registers of a processor up to
 * AVX-512, and hands its host that many bytes to set them; a host whose processor has more (AMX) wants them all, and
 * refuses (EFAULT): "userspace - ptrace set fp regs failed". This adds the rest as the process has it.
 *
 * Needs no header, so that a compiler alone is enough.
 */
enum { PTRACE_GETREGSET = 0x4204, PTRACE_SETREGSET = 0x4205, NT_X86_XSTATE = 0x202 };

struct iovec {
  char *base;
  unsigned long length;
};

typedef long Ptrace(int request, int pid, long address, void *data);

extern void *dlsym(void *handle, const char *symbol);
#define RTLD_NEXT ((void *)-1L)

/* The user-mode kernel has one processor and calls from one thread. */
static char state[65536];

long ptrace(int request, int pid, long address, void *data) {
  static Ptrace *original;
  if (!original) original = (Ptrace *)dlsym(RTLD_NEXT, "ptrace");
  if (request != PTRACE_SETREGSET || address != NT_X86_XSTATE) return original(request, pid, address, data);
  const struct iovec *given = data;
  struct iovec whole = {state, sizeof state};
  if (original(PTRACE_GETREGSET, pid, address, &whole) < 0) return -1;
  for (unsigned long i = 0; i < given->length && i < whole.length; i++) state[i] = given->base[i];
  return original(PTRACE_SETREGSET, pid, address, &whole);
}

/* Prints what getaddrinfo(3) finds, or exits with 2: one program for whatever C library it is started with. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
  struct addrinfo hints, *found, *one;
  char text[64];
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  if (count != 2 || getaddrinfo(arguments[1], 0, &hints, &found) != 0) return 2;
  for (one = found; one != 0; one = one->ai_next)
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST) == 0) puts(text);
  return 0;
}

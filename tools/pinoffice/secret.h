/* Keeping codes and keys to this process, and for no longer than needed. */
#ifndef PINOFFICE_SECRET_H
#define PINOFFICE_SECRET_H

/* Call first: no core file, no other process of this user may look in, and whatever jansson frees is wiped. 0, or −1. */
int secret_begin(void);

#endif

/* The bell of a virtual reader: vtoken rings when a card comes or goes, and the driver in pcscd looks at once, as the interrupt pipe
 * of a CCID reader has it (CCID 1.1, 6.3.1: RDR_to_PC_NotifySlotChange). A datagram socket in the abstract name space, one for each port
 * of vpcd's; what it carries means nothing. A ring that nobody hears is lost: the driver looks every now and then all the same.
 */
#ifndef MINT_VTOKEN_BELL_H
#define MINT_VTOKEN_BELL_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Its address; the length is returned. */
static inline socklen_t
bell_address(struct sockaddr_un *address, unsigned port)
{
	int length;

	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "mintbench/reader/%u", port);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

#endif

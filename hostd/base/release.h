/* The release every program tells in its hello, so that the evidence of a certificate names who made it. */
#ifndef MINT_BASE_RELEASE_H
#define MINT_BASE_RELEASE_H

#define MINT_RELEASE "0.1.0"

#endif

/* Status words of ISO/IEC 7816-4:2020, table 6, as far as the card gives them. */
#ifndef MINT_VTOKEN_SW_H
#define MINT_VTOKEN_SW_H

enum sw {
	SW_OK                 = 0x9000,
	SW_MORE               = 0x6100, /* low byte: bytes still there for GET RESPONSE, 0 for 256 or more */
	SW_END_OF_FILE        = 0x6282, /* fewer bytes than asked for */
	SW_TRIES_LEFT         = 0x63C0, /* low nibble: tries left */
	SW_MEMORY             = 0x6581, /* the change could not be stored */
	SW_LENGTH             = 0x6700,
	SW_CHAINING           = 0x6883, /* the last command of the chain was expected */
	SW_FILE_STRUCTURE     = 0x6981,
	SW_SECURITY           = 0x6982,
	SW_BLOCKED            = 0x6983,
	SW_CONDITIONS         = 0x6985,
	SW_NO_FILE            = 0x6986, /* no current EF */
	SW_DATA               = 0x6A80,
	SW_FUNCTION           = 0x6A81,
	SW_NOT_FOUND          = 0x6A82,
	SW_FULL               = 0x6A84,
	SW_P1_P2              = 0x6A86,
	SW_NO_REFERENCE       = 0x6A88,
	SW_EXISTS             = 0x6A89,
	SW_OFFSET             = 0x6B00,
	SW_INS                = 0x6D00,
	SW_CLA                = 0x6E00,
	SW_INTERNAL           = 0x6F00,
};

#endif

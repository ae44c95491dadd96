# What pkcs15-init reads before the profile of a card: only what that one does not say. Both stand here, and not where OpenSC has its
# own, because the sizes of the directory files set the pace of a bench: each one is read whole by every process, 255 bytes a command.

cardinfo {
	max-pin-length = 8;
}

pkcs15 {
	direct-certificates = no;
	encode-df-length = no;
	do-last-update = no;
	pkcs15-id-style = mozilla;
}

option default {
	macros {
		so-auth-id = FF;
	}
}

PIN so-pin {
	auth-id = $so-auth-id;
}

# MyEID for pkcs15-init and opensc-pkcs11.so: the files of OpenSC's own profile under the same names, ids and access rules, so that any
# other middleware finds what it expects, in the sizes that one key pair with one certificate needs.

cardinfo {
	label = "MyEID";
	manufacturer = "Aventra Ltd.";
	min-pin-length = 4;
	max-pin-length = 8;
	pin-encoding = ascii-numeric;
	pin-pad-char = 0xFF;
}

pkcs15 {
	direct-certificates = no;
	encode-df-length = no;
	do-last-update = no;
}

# OpenSC keeps no macro beyond the file that it is defined in. A private key's entry repeats the subject of its certificate.
option default {
	macros {
		prkdf-size = 510;
	}
}
option long {
	macros {
		prkdf-size = 1275;
	}
}

PIN user-pin {
	reference = 1;
	min-length = 4;
	max-length = 8;
	attempts = 3;
	flags = initialized, needs-padding;
}
PIN user-puk {
	min-length = 4;
	max-length = 8;
	attempts = 10;
	flags = needs-padding;
}
PIN so-pin {
	reference = 3;
	auth-id = FF;
	min-length = 4;
	max-length = 8;
	attempts = 3;
	flags = initialized, soPin, needs-padding;
}
PIN so-puk {
	min-length = 4;
	max-length = 8;
	attempts = 10;
	flags = needs-padding;
}

filesystem {
	DF MF {
		path = 3F00;
		type = DF;
		acl = CREATE=$PIN, DELETE=$SOPIN;

		EF DIR {
			file-id = 2F00;
			structure = transparent;
			size = 128;
			acl = READ=NONE, UPDATE=$SOPIN, DELETE=$SOPIN;
		}
		DF PKCS15-AppDF {
			type = DF;
			file-id = 5015;
			aid = A0:00:00:00:63:50:4B:43:53:2D:31:35;
			acl = DELETE=$PIN, CREATE=$PIN;

			EF PKCS15-ODF {
				file-id = 5031;
				structure = transparent;
				size = 255;
				acl = READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF PKCS15-TokenInfo {
				file-id = 5032;
				structure = transparent;
				size = 160;
				acl = READ=NONE, UPDATE=$SOPIN, DELETE=$SOPIN;
			}
			EF PKCS15-UnusedSpace {
				file-id = 5033;
				structure = transparent;
				size = 16;
				acl = READ=NONE, UPDATE=$SOPIN, DELETE=$SOPIN;
			}
			EF PKCS15-AODF {
				file-id = 4401;
				structure = transparent;
				size = 255;
				acl = READ=NONE, UPDATE=$SOPIN, DELETE=$SOPIN;
			}
			EF PKCS15-PrKDF {
				file-id = 4402;
				structure = transparent;
				size = $prkdf-size;
				acl = *=NEVER, READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF PKCS15-PuKDF {
				file-id = 4404;
				structure = transparent;
				size = 255;
				acl = *=NEVER, READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF PKCS15-CDF {
				file-id = 4403;
				structure = transparent;
				size = 255;
				acl = *=NEVER, READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF PKCS15-SKDF {
				file-id = 4404;
				structure = transparent;
				size = 255;
				acl = *=NEVER, READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF PKCS15-CDF-TRUSTED {
				file-id = 4404;
				structure = transparent;
				size = 255;
				acl = *=NEVER, READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF PKCS15-DODF {
				file-id = 4404;
				structure = transparent;
				size = 255;
				acl = *=NEVER, READ=NONE, UPDATE=$PIN, DELETE=$SOPIN;
			}
			EF template-private-key {
				type = internal-ef;
				file-id = 4B01;
				acl = CRYPTO=$PIN, UPDATE=$PIN, DELETE=$PIN, GENERATE=$PIN;
			}
			EF template-public-key {
				file-id = 5501;
				structure = transparent;
				acl = READ=NONE, UPDATE=$PIN, DELETE=$PIN, GENERATE=$PIN;
			}
			EF template-certificate {
				file-id = 4301;
				structure = transparent;
				acl = READ=NONE, UPDATE=$PIN, DELETE=$PIN;
			}
			template key-domain {
				EF private-key {
					file-id = 4B01;
					type = internal-ef;
					acl = CRYPTO=$PIN, UPDATE=$PIN, DELETE=$PIN, GENERATE=$PIN;
				}
				EF public-key {
					file-id = 5501;
					structure = transparent;
					acl = READ=NONE, UPDATE=$PIN, DELETE=$PIN, GENERATE=$PIN;
				}
				EF certificate {
					file-id = 4301;
					structure = transparent;
					acl = READ=NONE, UPDATE=$PIN, DELETE=$PIN;
				}
			}
		}
	}
}

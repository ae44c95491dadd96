"""OpenSSL's libcrypto in this process: what the `openssl` command would say, without a process for every question.

Only public functions of libcrypto.so.3 (OpenSSL 3.0), by ctypes. Each DER form must be consumed to its last byte. Objects are freed when
Python drops them.
"""
import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_uint, c_ubyte, c_void_p

_library = ctypes.CDLL("libcrypto.so.3")

# name: (result, arguments…); libcrypto(3) has a page for each.
_FUNCTIONS = {
    "ASN1_INTEGER_to_BN": (c_void_p, c_void_p, c_void_p),
    "BIO_free": (c_int, c_void_p),
    "BIO_ctrl": (c_long, c_void_p, c_int, c_long, c_void_p),
    "BIO_new": (c_void_p, c_void_p),
    "BIO_new_mem_buf": (c_void_p, c_char_p, c_int),
    "BIO_read": (c_int, c_void_p, c_char_p, c_int),
    "BIO_s_mem": (c_void_p,),
    "BN_bn2hex": (c_void_p, c_void_p),
    "BN_free": (None, c_void_p),
    "CMS_ContentInfo_free": (None, c_void_p),
    "CMS_decrypt": (c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_uint),
    "CRYPTO_free": (None, c_void_p, c_char_p, c_int),
    "ERR_clear_error": (None,),
    "EVP_DigestVerify": (c_int, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t),
    "EVP_DigestVerifyInit": (c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
    "EVP_MD_CTX_free": (None, c_void_p),
    "EVP_MD_CTX_new": (c_void_p,),
    "EVP_PKEY_free": (None, c_void_p),
    "EVP_sha256": (c_void_p,),
    "PEM_read_bio_PrivateKey": (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
    "PEM_read_bio_X509": (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
    "X509_REQ_free": (None, c_void_p),
    "X509_REQ_get0_pubkey": (c_void_p, c_void_p),
    "X509_REQ_verify": (c_int, c_void_p, c_void_p),
    "X509_free": (None, c_void_p),
    "X509_get0_pubkey": (c_void_p, c_void_p),
    "X509_get0_serialNumber": (c_void_p, c_void_p),
    "d2i_CMS_bio": (c_void_p, c_void_p, c_void_p),
    "d2i_X509": (c_void_p, c_void_p, c_void_p, c_long),
    "d2i_X509_REQ": (c_void_p, c_void_p, c_void_p, c_long),
    "i2d_PUBKEY": (c_int, c_void_p, c_void_p),
    "i2d_X509": (c_int, c_void_p, c_void_p),
}
for _name, (_result, *_arguments) in _FUNCTIONS.items():
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments

_BIO_CTRL_PENDING = 10


class Wrong(Exception):
    """What was given is not what it should be."""


class _Object:
    """A pointer of libcrypto and the function that frees it."""

    _free = None

    def __init__(self, pointer):
        self.pointer = pointer
        if not pointer:
            _library.ERR_clear_error()
            raise Wrong(type(self).__name__)

    def __del__(self):
        if self.pointer:
            getattr(_library, self._free)(self.pointer)


def _parse(name, der):
    """d2i_… of all of `der`; None when it is not that, or when bytes are left over."""
    buffer = ctypes.create_string_buffer(der, max(len(der), 1))
    place = c_void_p(ctypes.addressof(buffer))
    pointer = getattr(_library, name)(None, byref(place), len(der))
    if pointer and place.value != ctypes.addressof(buffer) + len(der):
        getattr(_library, name.replace("d2i_", "") + "_free")(pointer)
        return None
    return pointer


def _encode(name, pointer):
    out = POINTER(c_ubyte)()
    length = getattr(_library, name)(pointer, byref(out)) if pointer else -1
    if length < 0:
        raise Wrong(name)
    der = ctypes.string_at(out, length)
    _library.CRYPTO_free(out, None, 0)
    return der


class _Bio(_Object):
    _free = "BIO_free"

    def __init__(self, content=None):
        self._content = content  # libcrypto reads from it, it must live as long
        super().__init__(_library.BIO_new(_library.BIO_s_mem()) if content is None else _library.BIO_new_mem_buf(content, len(content)))

    def read(self):
        length = _library.BIO_ctrl(self.pointer, _BIO_CTRL_PENDING, 0, None)
        buffer = ctypes.create_string_buffer(max(length, 1))
        got = _library.BIO_read(self.pointer, buffer, length)
        return buffer.raw[: max(got, 0)]


class Certificate(_Object):
    _free = "X509_free"

    @classmethod
    def from_der(cls, der):
        return cls(_parse("d2i_X509", der))

    @classmethod
    def from_pem(cls, pem):
        bio = _Bio(pem)
        return cls(_library.PEM_read_bio_X509(bio.pointer, None, None, None))

    def der(self):
        return _encode("i2d_X509", self.pointer)

    def spki(self):
        return _encode("i2d_PUBKEY", _library.X509_get0_pubkey(self.pointer))

    def serial(self):
        """Capital hexadecimal digits, no zeros in front."""
        number = _library.ASN1_INTEGER_to_BN(_library.X509_get0_serialNumber(self.pointer), None)
        text = _library.BN_bn2hex(number)
        digits = ctypes.string_at(text).decode().lstrip("0")
        _library.CRYPTO_free(text, None, 0)
        _library.BN_free(number)
        return digits

    def signed(self, data, signature):
        """Whether `signature` is by this certificate's key over SHA-256 of `data`."""
        context = _library.EVP_MD_CTX_new()
        key = _library.X509_get0_pubkey(self.pointer)
        good = (
            key
            and _library.EVP_DigestVerifyInit(context, None, _library.EVP_sha256(), None, key) == 1
            and _library.EVP_DigestVerify(context, signature, len(signature), data, len(data)) == 1
        )
        _library.EVP_MD_CTX_free(context)
        _library.ERR_clear_error()
        return bool(good)


class Request(_Object):
    _free = "X509_REQ_free"

    @classmethod
    def from_der(cls, der):
        return cls(_parse("d2i_X509_REQ", der))

    def spki(self):
        return _encode("i2d_PUBKEY", _library.X509_REQ_get0_pubkey(self.pointer))

    def is_signed(self):
        good = _library.X509_REQ_verify(self.pointer, _library.X509_REQ_get0_pubkey(self.pointer)) == 1
        _library.ERR_clear_error()
        return good


class PrivateKey(_Object):
    _free = "EVP_PKEY_free"

    @classmethod
    def from_pem(cls, pem):
        bio = _Bio(pem)
        return cls(_library.PEM_read_bio_PrivateKey(bio.pointer, None, None, None))


class Envelope(_Object):
    _free = "CMS_ContentInfo_free"

    @classmethod
    def from_der(cls, der):
        bio = _Bio(der)
        return cls(_library.d2i_CMS_bio(bio.pointer, None))

    def open(self, key):
        """The content, deciphered and (AuthEnvelopedData) authenticated; Wrong when it is not for that key or was changed."""
        out = _Bio()
        if _library.CMS_decrypt(self.pointer, key.pointer, None, None, out.pointer, 0) != 1:
            _library.ERR_clear_error()
            raise Wrong("not for that key")
        return out.read()

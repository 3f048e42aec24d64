package feishu

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

// tolerance is how old a signed request may be, and how far Feishu's clock and ours may
// be apart.
const tolerance = 5 * time.Minute

// Why a request is refused. The texts go to the log, so they carry nothing of the
// request.
var (
	errUnsigned  = errors.New("signature is missing")
	errForged    = errors.New("signature is wrong")
	errExpired   = errors.New("timestamp is not within five minutes")
	errPlain     = errors.New("body is not encrypted")
	errMalformed = errors.New("body is malformed")
	errToken     = errors.New("verification token is wrong")
	errOtherApp  = errors.New("event is of another app")
	errTooLarge  = errors.New("body is too large")
)

// verify checks the signature of a request's raw body: SHA-256 of timestamp, nonce, key
// and body, in hexadecimal digits.
func verify(timestamp, nonce, signature, key string, body []byte, now time.Time) error {
	if signature == "" || timestamp == "" {
		return errUnsigned
	}
	h := sha256.New()
	h.Write([]byte(timestamp + nonce + key))
	h.Write(body)
	if !equal(hex.EncodeToString(h.Sum(nil)), signature) {
		return errForged
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errExpired
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errExpired
	}
	return nil
}

// equal compares secrets in a time that tells nothing about them.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// decrypt opens an encrypted body: AES-256-CBC, the key is the SHA-256 of the encrypt key,
// the initialisation vector the first block, the padding PKCS#7. The SDK's own function
// is not used: it does not look at the padding, and cuts the text at its braces.
func decrypt(sealed, key string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(data) < 2*aes.BlockSize || len(data)%aes.BlockSize != 0 {
		return nil, errMalformed
	}
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	plain := data[aes.BlockSize:]
	cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(plain, plain)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errMalformed
	}
	return plain[:len(plain)-pad], nil
}

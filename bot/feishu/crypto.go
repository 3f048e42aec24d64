package feishu

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"slipway/bot/sealed"
)

// Why a request is refused, beside what sealed knows of. The texts go to the log, so they
// carry nothing of the request.
var (
	errPlain = errors.New("body is not encrypted")
	errToken = errors.New("verification token is wrong")
)

// verify checks the signature of a request's raw body: SHA-256 of timestamp, nonce, key
// and body, in hexadecimal digits.
func verify(timestamp, nonce, signature, key string, body []byte, now time.Time) error {
	if signature == "" || timestamp == "" {
		return sealed.ErrUnsigned
	}
	h := sha256.New()
	h.Write([]byte(timestamp + nonce + key))
	h.Write(body)
	if !sealed.Equal(hex.EncodeToString(h.Sum(nil)), signature) {
		return sealed.ErrForged
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return sealed.ErrExpired
	}
	return sealed.Fresh(time.Unix(seconds, 0), now)
}

// decrypt opens an encrypted body: AES-256-CBC, the key is the SHA-256 of the encrypt key,
// the initialisation vector the first block, the padding PKCS#7. The SDK's own function
// is not used: it does not look at the padding, and cuts the text at its braces.
func decrypt(text, key string) ([]byte, error) {
	data, err := sealed.Decode(text, 2*aes.BlockSize)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(key))
	return sealed.Open(data[aes.BlockSize:], sum[:], data[:aes.BlockSize], aes.BlockSize)
}

// Package sealed reads what a platform sends to its app over HTTP: dated, signed with a
// secret, and encrypted.
package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Tolerance is how old a request may be, and how far the platform's clock and ours may be
// apart.
const Tolerance = 5 * time.Minute

// MaxBody is the most bytes of a request.
const MaxBody = 1 << 20

// Why a request is refused. The texts go to the log, so they carry nothing of the request.
var (
	ErrUnsigned  = errors.New("signature is missing")
	ErrForged    = errors.New("signature is wrong")
	ErrExpired   = errors.New("timestamp is not within five minutes")
	ErrMalformed = errors.New("body is malformed")
	ErrOtherApp  = errors.New("event is of another app")
	ErrTooLarge  = errors.New("body is too large")
)

// Status is the HTTP status of a refusal.
func Status(err error) int {
	switch {
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrUnsigned), errors.Is(err, ErrForged), errors.Is(err, ErrExpired):
		return http.StatusUnauthorized
	case errors.Is(err, ErrOtherApp):
		return http.StatusForbidden
	case errors.Is(err, ErrMalformed):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// Body reads the body of a request.
func Body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, ErrMalformed
	}
	return body, nil
}

// Fresh refuses what was not sent just now.
func Fresh(sent, now time.Time) error {
	if now.Sub(sent).Abs() > Tolerance {
		return ErrExpired
	}
	return nil
}

// Equal compares secrets in a time that tells nothing about them.
func Equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Decode reads the base64 of something encrypted, of which there are so many bytes or more.
func Decode(text string, least int) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) < least || len(data)%aes.BlockSize != 0 {
		return nil, ErrMalformed
	}
	return data, nil
}

// Open decrypts data in place: AES in CBC mode, with the padding of PKCS#7 for blocks of a
// size, which need not be those of AES.
func Open(data, key, iv []byte, block int) ([]byte, error) {
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(data, data)
	last := data[len(data)-1]
	pad := int(last)
	if pad == 0 || pad > block || pad > len(data) || !bytes.HasSuffix(data, bytes.Repeat([]byte{last}, pad)) {
		return nil, ErrMalformed
	}
	return data[:len(data)-pad], nil
}

package dingtalk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // DingTalk's choice
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/bot/sealed"
)

// The message is wrapped in 16 random bytes, its length, and who it is for; the padding
// is PKCS#7 for blocks of 32 bytes.
const (
	randomLen = 16
	headerLen = randomLen + 4
	padBlock  = 32
)

// sign returns the signature of an encrypted message: SHA-1 over token, timestamp, nonce and
// message in the order of the alphabet, in hexadecimal digits.
func sign(token, timestamp, nonce, message string) string {
	parts := []string{token, timestamp, nonce, message}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // DingTalk's choice
	return hex.EncodeToString(sum[:])
}

// verify checks the signature of an event, and that it is not an old one.
func verify(token, timestamp, nonce, message, signature string, now time.Time) error {
	if signature == "" || timestamp == "" || nonce == "" {
		return sealed.ErrUnsigned
	}
	if !sealed.Equal(sign(token, timestamp, nonce, message), signature) {
		return sealed.ErrForged
	}
	n, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return sealed.ErrExpired
	}
	at := time.Unix(n, 0)
	if n > 1e11 { // milliseconds, which is what DingTalk sends; its pages show seconds
		at = time.UnixMilli(n)
	}
	return sealed.Fresh(at, now)
}

// unseal opens an encrypted message: AES-256-CBC whose initialisation vector is the
// beginning of the key. It must be for owner.
func unseal(message string, key []byte, owner string) ([]byte, error) {
	data, err := sealed.Decode(message, padBlock)
	if err != nil {
		return nil, err
	}
	if data, err = sealed.Open(data, key, key[:aes.BlockSize], padBlock); err != nil {
		return nil, err
	}
	if len(data) < headerLen {
		return nil, sealed.ErrMalformed
	}
	n := int64(binary.BigEndian.Uint32(data[randomLen:headerLen]))
	data = data[headerLen:]
	if n > int64(len(data)) {
		return nil, sealed.ErrMalformed
	}
	if !sealed.Equal(string(data[n:]), owner) {
		return nil, sealed.ErrOtherApp
	}
	return data[:n], nil
}

// seal encrypts a message for owner. random gives letters that make no two alike.
func seal(message string, key []byte, owner string, random io.Reader) (string, error) {
	salt, err := letters(random)
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint32([]byte(salt), uint32(len(message))) //nolint:gosec // a short word
	plain = append(append(plain, message...), owner...)
	pad := padBlock - len(plain)%padBlock
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", fmt.Errorf("seal answer: %w", err)
	}
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}

// letters returns 16 random ones.
func letters(random io.Reader) (string, error) {
	b := make([]byte, randomLen/2)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return hex.EncodeToString(b), nil
}

package dingtalk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // DingTalk's choice
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tolerance is how old an event may be, and how far DingTalk's clock and ours may be apart.
const tolerance = 5 * time.Minute

// Why an event is refused. The texts go to the log, so they carry nothing of the request.
var (
	errUnsigned  = errors.New("signature is missing")
	errForged    = errors.New("signature is wrong")
	errExpired   = errors.New("timestamp is not within five minutes")
	errMalformed = errors.New("body is malformed")
	errOtherApp  = errors.New("event is of another app")
	errTooLarge  = errors.New("body is too large")
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
func sign(token, timestamp, nonce, sealed string) string {
	parts := []string{token, timestamp, nonce, sealed}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // DingTalk's choice
	return hex.EncodeToString(sum[:])
}

// verify checks the signature of an event, and that it is not an old one.
func verify(token, timestamp, nonce, sealed, signature string, now time.Time) error {
	if signature == "" || timestamp == "" || nonce == "" {
		return errUnsigned
	}
	if subtle.ConstantTimeCompare([]byte(sign(token, timestamp, nonce, sealed)), []byte(signature)) != 1 {
		return errForged
	}
	n, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errExpired
	}
	at := time.Unix(n, 0)
	if n > 1e11 { // milliseconds, which is what DingTalk sends; its pages show seconds
		at = time.UnixMilli(n)
	}
	if now.Sub(at).Abs() > tolerance {
		return errExpired
	}
	return nil
}

// unseal opens an encrypted message: AES-256-CBC whose initialisation vector is the
// beginning of the key. It must be for owner.
func unseal(sealed string, key []byte, owner string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(data) < padBlock || len(data)%aes.BlockSize != 0 {
		return nil, errMalformed
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("open event: %w", err)
	}
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad == 0 || pad > padBlock || pad > len(data)-headerLen || !bytes.HasSuffix(data, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errMalformed
	}
	data = data[:len(data)-pad]
	n := int64(binary.BigEndian.Uint32(data[randomLen:headerLen]))
	data = data[headerLen:]
	if n > int64(len(data)) {
		return nil, errMalformed
	}
	if subtle.ConstantTimeCompare(data[n:], []byte(owner)) != 1 {
		return nil, errOtherApp
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

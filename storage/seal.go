package storage

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Keys keep secrets unreadable in the database. The first one seals and each opens, so
// that a new key is put before the old one. Without keys nothing is sealed.
type Keys []cipher.AEAD

// keySize is that of AES-256.
const keySize = 32

// ParseKeys reads keys of 32 bytes in base64, with commas between them. An error does not
// repeat them.
func ParseKeys(text string) (Keys, error) {
	if text == "" {
		return nil, nil
	}
	var keys Keys
	for word := range strings.SplitSeq(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(word))
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("%d bytes in base64 are expected, several keys with commas between them", keySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("use key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("use key: %w", err)
		}
		keys = append(keys, aead)
	}
	return keys, nil
}

// sealMark begins what is sealed.
const sealMark = "sealed:"

// seal makes a text unreadable. It opens under the same name only.
func (k Keys) seal(name, text string) string {
	if len(k) == 0 {
		return text
	}
	sealed := k[0].Seal(nil, nil, []byte(text), []byte(name)) //nolint:gosec // the nonce is random, see ParseKeys
	return sealMark + base64.StdEncoding.EncodeToString(sealed)
}

// open returns the text again, and whether it has to be sealed anew: with the first key.
func (k Keys) open(name, stored string) (text string, anew bool, err error) {
	coded, is := strings.CutPrefix(stored, sealMark)
	if !is {
		return stored, len(k) > 0, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return "", false, fmt.Errorf("open %s: %w", name, err)
	}
	for i, key := range k {
		if opened, err := key.Open(nil, nil, sealed, []byte(name)); err == nil {
			return string(opened), i > 0, nil
		}
	}
	return "", false, errors.New("it is sealed with a key that SLIPWAY_SECRET_KEY does not have")
}

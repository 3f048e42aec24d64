package feishutest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// Encrypt writes an event as Feishu does: AES-256-CBC under the SHA-256 of the key, with the
// initialisation vector before it, in base64.
// event-subscription-guide/event-subscription-configure-/encrypt-key-encryption-configuration-case.
func Encrypt(plain []byte, key string) (string, error) {
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv) // never fails
	return seal(plain, key, iv)
}

func seal(plain []byte, key string, iv []byte) (string, error) {
	hash := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(hash[:])
	if err != nil {
		return "", err
	}
	missing := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(missing)}, missing)...)
	out := make([]byte, len(padded))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, padded)
	return base64.StdEncoding.EncodeToString(append(bytes.Clone(iv), out...)), nil
}

// Decrypt reads what Encrypt wrote.
func Decrypt(text, key string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(raw) < 2*aes.BlockSize || len(raw)%aes.BlockSize != 0 {
		return nil, errors.New("the length does not fit")
	}
	hash := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(hash[:])
	if err != nil {
		return nil, err
	}
	iv, body := raw[:aes.BlockSize], raw[aes.BlockSize:]
	plain := make([]byte, len(body))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, body)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errors.New("the padding is wrong")
	}
	return plain[:len(plain)-padding], nil
}

// Sign returns the X-Lark-Signature of a request body.
func Sign(timestamp, nonce, key string, body []byte) string {
	hash := sha256.New()
	hash.Write([]byte(timestamp + nonce + key))
	hash.Write(body)
	return hex.EncodeToString(hash.Sum(nil))
}

package dingtalktest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"

	"slipway/bot/standin"
)

// newAESKey returns a key as the console makes one.
func newAESKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)[:43]
}

// digest makes an id of a name.
func digest(s string) string {
	sum := sha1.Sum([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// Sign returns the signature of an encrypted message.
func Sign(token, timestamp, nonce, encrypted string) string {
	parts := sort.StringSlice{encrypted, nonce, timestamp, token}
	parts.Sort()
	h := sha1.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(p)) // never fails
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Encrypt writes a message as DingTalk does.
func Encrypt(message []byte, key, owner string) (string, error) {
	block, iv, err := open(key)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	b.WriteString(standin.Random(8))
	_ = binary.Write(&b, binary.BigEndian, int32(len(message)))
	b.Write(message)
	b.WriteString(owner)
	for missing, i := 32-b.Len()%32, 0; i < missing; i++ {
		b.WriteByte(byte(missing))
	}
	out := b.Bytes()
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return base64.StdEncoding.EncodeToString(out), nil
}

// Decrypt reads what Encrypt wrote, for the same owner.
func Decrypt(text, key, owner string) ([]byte, error) {
	block, iv, err := open(key)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 || len(raw)%32 != 0 {
		return nil, errors.New("the length does not fit")
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(raw, raw)
	padding := int(raw[len(raw)-1])
	if padding < 1 || padding > 32 || padding > len(raw)-20 {
		return nil, errors.New("the padding is wrong")
	}
	raw = raw[16 : len(raw)-padding]
	length := int(binary.BigEndian.Uint32(raw))
	if raw = raw[4:]; length > len(raw) {
		return nil, errors.New("the length of the message is wrong")
	}
	if string(raw[length:]) != owner {
		return nil, errors.New("it is for somebody else")
	}
	return raw[:length], nil
}

func open(key string) (block cipher.Block, iv []byte, err error) {
	raw, err := base64.StdEncoding.DecodeString(key + "=")
	if err != nil {
		return nil, nil, err
	}
	block, err = aes.NewCipher(raw)
	if err != nil {
		return nil, nil, err
	}
	return block, raw[:16], nil
}

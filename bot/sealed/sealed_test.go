package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// seal encrypts as a platform does.
func seal(t *testing.T, plain, key, iv []byte, pad []byte) []byte {
	t.Helper()
	c, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	data := append(bytes.Clone(plain), pad...)
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(data, data)
	return data
}

func TestWhatIsSealedIsOpenedOnlyIfItsPaddingIsRight(t *testing.T) {
	t.Parallel()
	key, iv := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, aes.BlockSize)
	plain := []byte("0123456789abcdef0123456789ab") // 28 bytes
	for name, tt := range map[string]struct {
		pad   []byte
		block int
		ok    bool
	}{
		"right":                  {[]byte{4, 4, 4, 4}, 16, true},
		"of two kinds":           {append([]byte{4, 4, 4, 4}, bytes.Repeat([]byte{20}, 16)...), 32, false},
		"of a larger block":      {bytes.Repeat([]byte{20}, 20), 32, true},
		"larger than the block":  {bytes.Repeat([]byte{20}, 20), 16, false},
		"none":                   {[]byte{4, 4, 4, 0}, 16, false},
		"longer than all":        {[]byte{255, 255, 255, 255}, 255, false},
		"of different bytes":     {[]byte{4, 4, 3, 4}, 16, false},
		"the end of what is cut": {[]byte{1, 2, 3, 1}, 16, true},
	} {
		got, err := Open(seal(t, plain, key, iv, tt.pad), key, iv, tt.block)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrMalformed) || tt.ok && !bytes.HasPrefix(got, plain) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := Open(make([]byte, 16), key[:5], iv, 16); err == nil || errors.Is(err, ErrMalformed) {
		t.Errorf("with half a key: %v", err)
	}
	for text, ok := range map[string]bool{
		base64.StdEncoding.EncodeToString(make([]byte, 32)): true, base64.StdEncoding.EncodeToString(make([]byte, 16)): false,
		base64.StdEncoding.EncodeToString(make([]byte, 40)): false, "": false, "!": false,
	} {
		if _, err := Decode(text, 32); (err == nil) != ok {
			t.Errorf("Decode(%q) = %v", text, err)
		}
	}
}

func TestOnlyWhatWasSentJustNowIsFresh(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for off, ok := range map[time.Duration]bool{0: true, Tolerance: true, -Tolerance: true, Tolerance + 1: false, -Tolerance - 1: false} {
		if err := Fresh(now.Add(off), now); (err == nil) != ok {
			t.Errorf("sent %s from now: %v", off, err)
		}
	}
}

func TestARefusalHasItsStatus(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		ErrTooLarge: 413, ErrUnsigned: 401, ErrForged: 401, ErrExpired: 401, ErrOtherApp: 403, ErrMalformed: 400, errors.New("ours"): 500,
	} {
		if got := Status(fmt.Errorf("open: %w", err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	// Who has not signed does not learn whether the rest could be read.
	if got := Status(errors.Join(ErrMalformed, ErrUnsigned)); got != http.StatusUnauthorized {
		t.Errorf("malformed and unsigned: %d", got)
	}
	for size, want := range map[int]error{MaxBody: nil, MaxBody + 1: ErrTooLarge} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", size)))
		if body, err := Body(httptest.NewRecorder(), r); !errors.Is(err, want) || err == nil && len(body) != size {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

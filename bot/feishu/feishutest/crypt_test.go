package feishutest_test

import (
	"encoding/json"
	"strings"
	"testing"

	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"

	"slipway/bot/feishu/feishutest"
)

// The examples of Feishu's documentation of the encrypt key.
func TestDecryptPublishedExamples(t *testing.T) {
	t.Parallel()
	got, err := feishutest.Decrypt("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=", "test key")
	if err != nil || string(got) != "hello world" {
		t.Errorf("Decrypt = %q %v", got, err)
	}
	got, err = feishutest.Decrypt(kudryavka, "kudryavka")
	if err != nil || !json.Valid(got) || !strings.HasPrefix(string(got), `{"uuid":"5226cd85b4d843dccee2e279d93f3ed3"`) {
		t.Errorf("Decrypt = %q %v", got, err)
	}
}

func TestSDKReadsWhatIsEncrypted(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{`{"a":"b"}`, `{"text":"sixteen bytes"}`, `{"text":"` + strings.Repeat("长", 1000) + `"}`} {
		text, err := feishutest.Encrypt([]byte(plain), "key")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := larkevent.EventDecrypt(text, "key"); err != nil || string(got) != plain {
			t.Errorf("EventDecrypt = %q %v", got, err)
		}
		if got, err := feishutest.Decrypt(text, "key"); err != nil || string(got) != plain {
			t.Errorf("Decrypt = %q %v", got, err)
		}
		// Once in 256 times what comes out ends like padding.
		if got, err := feishutest.Decrypt(text, "another key"); err == nil && string(got) == plain {
			t.Error("another key decrypts it too")
		}
	}
	body := []byte(`{"encrypt":"x"}`)
	if got, want := feishutest.Sign("1", "2", "key", body), larkevent.Signature("1", "2", "key", string(body)); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

// kudryavka is an event of Feishu's documentation, under the key of that name.
const kudryavka = "FIAfJPGRmFZWkaxPQ1XrJZVbv2JwdjfLk4jx0k/U1deAqYK3AXOZ5zcHt/cC4ZNTqYwWUW/EoL+b2hW/C4zoAQQ5CeMtbxX2zHjm+E4nX/Aww+FHUL6iuIMaeL2KLxqdtbHRC50vgC2YI7xohnb3KuCNBMUzLiPeNIpVdnYaeteCmSaESb+AZpJB9PExzTpRDzCRv+T6o5vlzaE8UgIneC1sYu85BnPBEMTSuj1ZZzfdQi7ZW992Z4dmJxn9e8FL2VArNm99f5Io3c2O4AcNsQENNKtfAAxVjCqc3mg5jF0nKabA+u/5vrUD76flX1UOF5fzJ0sApG2OEn9wfyPDRBsApn9o+fceF9hNrYBGsdtZrZYyGG387CGOtKsuj8e2E8SNp+Pn4E9oYejOTR+ZNLNi+twxaXVlJhr6l+RXYwEiMGQE9zGFBD6h2dOhKh3W84p1GEYnSRIz1+9/Hp66arjC7RCrhuW5OjCj4QFEQJiwgL45XryxHtiZ7JdAlPmjVsL03CxxFZarzxzffryrWUG3VkRdHRHbTsC34+ScoL5MTDU1QAWdqUC1T7xT0lCvQELaIhBTXAYrznJl6PlA83oqlMxpHh0gZBB1jFbfoUr7OQbBs1xqzpYK6Yjux6diwpQB1zlZErYJUfCqK7G/zI9yK/60b4HW0k3M+AvzMcw="

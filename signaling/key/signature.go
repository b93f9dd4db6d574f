package key

import (
	"encoding/asn1"
	"fmt"
	"math/big"
)

// ecdsaSignature is the ASN.1 form that crypto/ecdsa speaks (RFC 3279, 2.2.3).
type ecdsaSignature struct{ R, S *big.Int }

// rawSignature turns ASN.1 into the R ‖ S of RFC 7518, 3.4.
func rawSignature(der []byte) ([]byte, error) {
	var s ecdsaSignature
	if _, err := asn1.Unmarshal(der, &s); err != nil {
		return nil, fmt.Errorf("cannot read signature: %w", err)
	}
	raw := make([]byte, SignatureSize)
	s.R.FillBytes(raw[:SignatureSize/2])
	s.S.FillBytes(raw[SignatureSize/2:])
	return raw, nil
}

// derSignature is the way back; raw has SignatureSize bytes.
func derSignature(raw []byte) ([]byte, error) {
	der, err := asn1.Marshal(ecdsaSignature{
		R: new(big.Int).SetBytes(raw[:SignatureSize/2]),
		S: new(big.Int).SetBytes(raw[SignatureSize/2:]),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot write signature: %w", err)
	}
	return der, nil
}

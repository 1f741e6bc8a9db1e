// A TLS 1.3 server or client on crypto/tls. Arguments: server PORT LEAF KEY ROOTS, or client HOST PORT LEAF KEY ROOTS.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"time"
)

func settings(leaf, key, roots string) *tls.Config {
	certificate, err := tls.LoadX509KeyPair(leaf, key)
	if err != nil {
		panic(err)
	}
	pem, err := os.ReadFile(roots)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: pool, RootCAs: pool, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"tc/1"}, SessionTicketsDisabled: true,
	}
}

// withoutName verifies the path as crypto/tls does, but for the name: identities are URIs here.
func withoutName(config *tls.Config) *tls.Config {
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
		for _, certificate := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
	return config
}

func answer(channel net.Conn) {
	defer channel.Close()
	channel.SetDeadline(time.Now().Add(5 * time.Second))
	request := make([]byte, 4096)
	for {
		if _, err := channel.Read(request); err != nil {
			return
		}
		channel.Write([]byte("accepted\n"))
	}
}

func main() {
	arguments := os.Args[2:]
	if os.Args[1] == "server" {
		config := settings(arguments[1], arguments[2], arguments[3])
		listener, err := tls.Listen("tcp", "127.0.0.1:"+arguments[0], config)
		if err != nil {
			panic(err)
		}
		for {
			if channel, err := listener.Accept(); err == nil {
				go answer(channel)
			}
		}
	}
	config := withoutName(settings(arguments[2], arguments[3], arguments[4]))
	channel, err := tls.Dial("tcp", arguments[0]+":"+arguments[1], config)
	if err != nil {
		os.Exit(1)
	}
	channel.Write([]byte("hello\n"))
	io.Copy(io.Discard, channel)
}

/* A TLS 1.3 server or client on wolfSSL. Arguments: server PORT LEAF KEY ROOTS, or client HOST PORT LEAF KEY ROOTS. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static WOLFSSL_CTX *context(WOLFSSL_METHOD *method, char **files) {
    WOLFSSL_CTX *made = wolfSSL_CTX_new(method);
    if (made == NULL || wolfSSL_CTX_use_certificate_chain_file(made, files[0]) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_file(made, files[1], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_load_verify_locations(made, files[2], NULL) != WOLFSSL_SUCCESS)
        exit(2);
    wolfSSL_CTX_set_verify(made, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return made;
}

static void play(WOLFSSL *channel, int number, int client) {
    char data[4096], protocol[] = "tc/1";
    int groups[] = {WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_X25519}; /* By default it offers groups of TLS 1.2 too. */
    struct timeval limit = {5, 0};
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    wolfSSL_set_fd(channel, number);
    wolfSSL_set_groups(channel, groups, 2);
    wolfSSL_UseALPN(channel, protocol, strlen(protocol), WOLFSSL_ALPN_FAILED_ON_MISMATCH);
    if ((client ? wolfSSL_connect(channel) : wolfSSL_accept(channel)) == WOLFSSL_SUCCESS) {
        if (client)
            wolfSSL_write(channel, "hello\n", 6);
        while (wolfSSL_read(channel, data, sizeof data) > 0)
            if (!client)
                wolfSSL_write(channel, "accepted\n", 9);
    }
    wolfSSL_free(channel);
    close(number);
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int client = count == 7, number = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    signal(SIGPIPE, SIG_IGN);
    wolfSSL_Init();
    WOLFSSL_CTX *made =
        context(client ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method(), arguments + (client ? 4 : 3));
    inet_pton(AF_INET, client ? arguments[2] : "127.0.0.1", &address.sin_addr);
    address.sin_port = htons(atoi(arguments[client ? 3 : 2]));
    if (client) {
        if (connect(number, (struct sockaddr *)&address, sizeof address) == 0)
            play(wolfSSL_new(made), number, 1);
        return 0;
    }
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(number, (struct sockaddr *)&address, sizeof address) || listen(number, 64))
        return 1;
    for (;;) {
        int accepted = accept(number, NULL, NULL);
        if (accepted >= 0)
            play(wolfSSL_new(made), accepted, 0);
    }
}

// The npm package `oidc-provider` (certified by the OpenID Foundation) as a process for one test.
//
// Prints `issuer <url>` as soon as its socket is open, then reads one line of JSON from standard input:
// `{"clients": [client metadata], "account": {claims of the one account}}`. Prints `ready`, and a line for each error
// it answers with, for each grant, and for each app that it told of a log-out. The sign-in and consent pages are the
// package's own development pages.

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

import Provider from 'oidc-provider'

// The issuer's name holds the port, and the app under test needs the issuer before its own address can be registered
// here. So the socket comes first, then the settings, then the provider.
const server = createServer()
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const issuer = `http://127.0.0.1:${server.address().port}`
console.log(`issuer ${issuer}`)

const input = createInterface({ input: process.stdin })
// The test holds standard input open. When the test ends, in any way, so does this process.
input.on('close', () => process.exit(0))
const { clients, account } = JSON.parse((await once(input, 'line'))[0])

// One key of each type, so that a client can be registered for any algorithm.
const keys = [
  ['rsa', { modulusLength: 2048 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ed25519', {}],
].map(([type, options]) => {
  const { privateKey } = generateKeyPairSync(type, options)
  return { ...privateKey.export({ format: 'jwk' }), kid: `test-${type}`, use: 'sig' }
})

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  cookies: { keys: ['a key for tests only'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  // Claims of a scope are read from userinfo, as at MIRACL.
  conformIdTokenClaims: true,
  pkce: { required: () => true },
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: true },
    jwtUserinfo: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  // The package's own dispatcher refuses loopback, which is where the apps of a test are.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...account }) }),
  ttl: { AccessToken: 900, AuthorizationCode: 60, Grant: 900, IdToken: 900, Interaction: 900, Session: 900 },
})

for (const event of ['authorization.error', 'grant.error', 'userinfo.error', 'end_session.error', 'server_error']) {
  provider.on(event, (_ctx, error) => console.log(`${event}: ${error.message}: ${error.error_detail ?? ''}`))
}
provider.on('backchannel.error', (_ctx, error, client) => {
  console.log(`backchannel.error: ${client.clientId}: ${error.message}`)
})
provider.on('backchannel.success', (_ctx, client) => console.log(`backchannel.success: ${client.clientId}`))
provider.on('grant.success', () => console.log('grant.success'))

server.on('request', provider.callback())
console.log('ready')

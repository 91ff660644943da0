// An authorization server of another implementation, node-oidc-provider, with the grant of RFC 8693 for one public client.
//
// node server.mjs ISSUER AUDIENCE, where ISSUER is the CI platform whose tokens for AUDIENCE are exchanged. Prints its own URL. The
// package is found from the working directory. Requests, client, discovery, errors and tokens are oidc-provider's; what is written here is
// the check of the subject token.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [issuer, audience] = process.argv.slice(2);
const from = createRequire(`${process.cwd()}/`);
const load = async (name) => import(pathToFileURL(from.resolve(name)));
const { Provider, errors } = await load('oidc-provider');
const { createRemoteJWKSet, jwtVerify } = await load('jose');

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const port = Number(process.env.PORT);
const url = `http://127.0.0.1:${port}`;
const provider = new Provider(url, {
  clients: [
    { client_id: 'ci', token_endpoint_auth_method: 'none', grant_types: [GRANT], response_types: [], redirect_uris: [] },
  ],
  features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
  ttl: { ClientCredentials: 600 },
});

provider.registerGrantType(
  GRANT,
  async (ctx) => {
    const { params, client } = ctx.oidc;
    if (params.subject_token_type !== ID_TOKEN) throw new errors.InvalidRequest('the subject token is no ID token');
    try {
      await jwtVerify(params.subject_token, keys, { issuer, audience });
    } catch (error) {
      throw new errors.InvalidRequest(`the subject token is not accepted: ${error.code}`);
    }
    const token = new provider.ClientCredentials({ client });
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType,
      expires_in: token.expiration,
    };
  },
  ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'],
);
provider.listen(port, '127.0.0.1', () => console.log(url));

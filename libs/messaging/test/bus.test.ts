import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DeployedNats, deployedNats, eventually, itWhere, temporaryFolder, testNats } from '@sluice/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { type Bus, type BusOptions, connectBus } from '../src/bus.ts'

const run = promisify(execFile)
const hasOpenSsl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)
const WITHOUT_OPENSSL = 'openssl is not installed'

interface Authority {
  readonly caFile: string
  /** Makes a key and a certificate of this authority for `localhost`: the client checks names, and no addresses. */
  issue(name: string): Promise<{ certFile: string; keyFile: string }>
}

async function createAuthority(): Promise<Authority> {
  const folder = await temporaryFolder()
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '1', '-subj', '/CN=test CA')
  return {
    caFile: path('ca.crt'),
    issue: async (name) => {
      const [certFile, keyFile] = [`${name}.crt`, `${name}.key`]
      const localhost = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost']
      await openssl('req', ...newKey, '-keyout', keyFile, '-out', 'request', ...localhost)
      const issuer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy']
      await openssl('x509', '-req', '-in', 'request', '-out', certFile, '-days', '1', ...issuer)
      return { certFile: path(certFile), keyFile: path(keyFile) }
    },
  }
}

async function startWithTls(authority: Authority, more = ''): Promise<DeployedNats> {
  const { certFile, keyFile } = await authority.issue('server')
  const nats = await deployedNats({ tlsConfig: `tls { cert_file: "${certFile}", key_file: "${keyFile}"${more} }` })
  onTestFinished(() => nats.stop())
  return nats
}

async function connectAsUsage(nats: DeployedNats, tls: BusOptions['tls']): Promise<Bus> {
  const login = { user: 'usage', password: nats.passwords.usage, ...(tls && { tls }) }
  const bus = await connectBus({ servers: nats.url.replace('127.0.0.1', 'localhost'), name: 'bus.test', ...login })
  onTestFinished(() => bus.close())
  return bus
}

itWhere(hasOpenSsl, WITHOUT_OPENSSL, 'speaks TLS to a server of the configured authority', async () => {
  const authority = await createAuthority()
  const nats = await startWithTls(authority)
  const bus = await connectAsUsage(nats, { caFile: authority.caFile })
  await bus.connection.flush()
  expect(bus.connection.info).toMatchObject({ tls_required: true })
})

itWhere(
  hasOpenSsl,
  WITHOUT_OPENSSL,
  'refuses a server of another authority, and one that it knows none for',
  async () => {
    const nats = await startWithTls(await createAuthority())
    const other = await createAuthority()
    await expect(connectAsUsage(nats, { caFile: other.caFile })).rejects.toThrow(/certificate/)
    await expect(connectAsUsage(nats, undefined)).rejects.toThrow(/certificate/)
  },
)

itWhere(hasOpenSsl, WITHOUT_OPENSSL, 'shows its certificate to a server that requests one', async () => {
  const authority = await createAuthority()
  const { caFile } = authority
  const nats = await startWithTls(authority, `, ca_file: "${caFile}", verify: true`)
  const client = await authority.issue('client')
  const bus = await connectAsUsage(nats, { caFile, ...client })
  await bus.connection.flush()
  expect(bus.isConnected()).toBe(true)
})

itWhere(hasOpenSsl, WITHOUT_OPENSSL, 'sends nothing to a server without TLS where an authority is set', async () => {
  const nats = await testNats()
  onTestFinished(() => nats.stop())
  const { caFile } = await createAuthority()
  const connecting = connectBus({ servers: nats.url, name: 'bus.test', tls: { caFile } })
  await expect(connecting).rejects.toMatchObject({ code: 'SERVER_OPT_NA' })
})

it('says that a file of TLS cannot be read', async () => {
  const nats = await deployedNats()
  onTestFinished(() => nats.stop())
  await expect(connectAsUsage(nats, { caFile: '/nowhere/ca.crt' })).rejects.toThrow()
})

it('waits for a server that is not there yet, says so once, and gives up at one that refuses its password', async () => {
  const nats = await deployedNats()
  onTestFinished(() => nats.stop())
  await nats.kill()
  const login = { servers: nats.url, name: 'bus.test', user: 'usage' }
  const absent: unknown[] = []
  const onAbsent = (error: unknown) => absent.push(error)
  const connecting = connectBus({ ...login, password: nats.passwords.usage, onAbsent })
  await eventually(() => expect(absent).toEqual([expect.objectContaining({ code: 'CONNECTION_REFUSED' })]))
  await nats.restart()
  await (await connecting).close()
  expect(absent).toHaveLength(1)
  const refused = connectBus({ ...login, password: nats.passwords.gateway })
  await expect(refused).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' })
})

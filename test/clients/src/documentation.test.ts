import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useSystem } from './start-system.ts'

const packageDir = join(import.meta.dirname, '..')
const documentation = await readFile(join(packageDir, '../../docs/clients.md'), 'utf8')
const programs = [...documentation.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program = '']) => program)

/** The libraries in `package.json` that have no program of their own. */
const HELPERS = ['ai', 'zod', '@langchain/core']
const CONNECTIONS = {
  'openai-prod': 'openai',
  'anthropic-prod': 'anthropic',
  'google-prod': 'google',
  'groq-prod': 'groq',
  'bedrock-prod': 'aws-bedrock',
} as const

const system = useSystem()
let apiKey: string
let dir: string

beforeAll(async () => {
  for (const [name, provider] of Object.entries(CONNECTIONS)) await system().connect({ name, provider })
  apiKey = await system().apiKey(Object.keys(CONNECTIONS))
  // Below the libraries, which the programs import as an application does.
  const parent = join(packageDir, 'node_modules/.cache')
  await mkdir(parent, { recursive: true })
  dir = await mkdtemp(join(parent, 'clients-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

it('shows every library that is tested', async () => {
  const { devDependencies } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))
  for (const name of Object.keys(devDependencies)) {
    if (!HELPERS.includes(name)) expect(programs.join('\n')).toContain(`from '${name}'`)
  }
})

it('has programs that type-check against their libraries', async () => {
  const files = programs.map((_, index) => join(dir, `${index}.mts`))
  await Promise.all(files.map((file, index) => writeFile(file, programs[index] ?? '')))
  // Beyond `strict`, applications differ.
  const compilerOptions = { exactOptionalPropertyTypes: false }
  const config = { extends: join(packageDir, 'tsconfig.json'), compilerOptions, include: [], files }
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config))
  const { stdout } = await promisify(execFile)('tsc', ['-p', dir]).catch((failure: { stdout: string }) => failure)
  expect(stdout).toBe('')
}, 60_000)

describe('every program of docs/clients.md prints what the model says', () => {
  it.each(programs.map((program, index) => ({ program, index, about: /'(@?[\w/-]+)'/.exec(program)?.[1] })))(
    '$index: $about',
    async ({ program, index }) => {
      const file = join(dir, `${index}.mjs`)
      await writeFile(file, program.replaceAll('http://127.0.0.1:8080', system().gatewayUrl))
      const { PATH = '' } = process.env
      const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { PATH, SLUICE_KEY: apiKey } })
      expect(stdout).toMatch(/^This answer comes from a simulated provider/)
    },
  )
})

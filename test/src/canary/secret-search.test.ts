import { expect, it } from 'vitest'
import { createSecretSearch } from './secret-search.ts'

const SECRET = 'sk-???>>>"Kx3\\qPz9/Vb7+Tn2<Lw5>Hd8&Rj4Yc6'
const search = createSecretSearch(new Map([['key', SECRET]]))
const bytes = Buffer.from(SECRET)

it.each([
  ['plain', `key=${SECRET}`],
  ['plain', `only ${SECRET.slice(9, 21)} of it`],
  ['URL-encoded', `?key=${encodeURIComponent(SECRET)}`],
  ['JSON-escaped', JSON.stringify({ key: SECRET })],
  ['JSON-escaped twice', JSON.stringify(JSON.stringify(SECRET))],
  ['hexadecimal', bytes.toString('hex')],
  ['hexadecimal', bytes.toString('hex').toUpperCase()],
  ['base64', Buffer.from(SECRET).toString('base64')],
  ['base64', Buffer.from(`u:${SECRET}!`).toString('base64')],
  ['base64', Buffer.from(`.${SECRET}`).toString('base64')],
  ['base64url', Buffer.from(SECRET).toString('base64url')],
])('finds a secret that is %s: %s', (form, written) => {
  expect(search(Buffer.from(written))).toContain(`key (${form})`)
})

it.each([['text without a secret'], [`…${SECRET.slice(-4)}`], [SECRET.slice(0, 11)], ['']])(
  'finds nothing in “%s”',
  (written) => {
    expect(search(Buffer.from(written))).toEqual([])
  },
)

it('rejects a secret so short that it could occur by chance', () => {
  expect(() => createSecretSearch(new Map([['short', 'password']]))).toThrow('too short')
})

import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { expect, it } from 'vitest'
import { schemaProblem } from './schema-problem.ts'

const part = Type.Object({ type: Type.String() })
const schema = Compile(
  Type.Object(
    {
      items: Type.Array(
        Type.Object({
          role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
          content: Type.Union([Type.String(), Type.Array(part)]),
        }),
      ),
    },
    { additionalProperties: false },
  ),
)

it.each([
  [{}, 'missing', 'items'],
  [{ items: 1 }, 'invalid', 'items'],
  [{ items: [{ role: 'user' }] }, 'missing', 'items.0.content'],
  [{ items: [{ role: 'robot', content: '' }] }, 'invalid', 'items.0.role'],
  [{ items: [{ role: 'user', content: 1 }] }, 'invalid', 'items.0.content'],
  [{ items: [{ role: 'user', content: [{ type: 'text' }, {}] }] }, 'missing', 'items.0.content.1.type'],
  [{ items: [], 'a/b': 1 }, 'unknown', 'a/b'],
])('finds in %j the problem %s at %s', (value, kind, path) => {
  const problem = schemaProblem(schema, value)
  expect({ ...problem, path: problem?.path.join('.') }).toMatchObject({ kind, path })
})

it('finds nothing in a value that fits', () => {
  expect(schemaProblem(schema, { items: [{ role: 'user', content: 'x' }] })).toBeUndefined()
})

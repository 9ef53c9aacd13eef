import fc from 'fast-check'
import { expect, it } from 'vitest'
import { googleModels } from './models.ts'

it('lists the models that generate or embed, by their names in calls', () => {
  const page = {
    models: [
      { name: 'models/gemini-2.5-pro', supportedGenerationMethods: ['generateContent', 'countTokens'] },
      { name: 'models/gemini-embedding-001', supportedGenerationMethods: ['embedContent'] },
      { name: 'models/imagen-4', supportedGenerationMethods: ['predict'] },
      { name: 'models/unknown' },
    ],
  }
  expect(googleModels.read(page)).toEqual({ models: [{ id: 'gemini-2.5-pro' }, { id: 'gemini-embedding-001' }] })
})

it('continues with the next page', () => {
  expect(googleModels.read({ models: [], nextPageToken: 'a&b=' })).toEqual({
    models: [],
    nextQuery: 'pageSize=1000&pageToken=a%26b%3D',
  })
  expect(googleModels.read({ nextPageToken: '' })).toEqual({ models: [] })
})

it.each([null, [], 'x', { models: {} }])('finds no page in %j', (page) => {
  expect(googleModels.read(page)).toBeUndefined()
})

it('never throws, whatever the page', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, methods) => {
      googleModels.read(value)
      googleModels.read({ models: [value, { name: 'models/x', supportedGenerationMethods: methods }] })
    }),
  )
})

import { expect, test } from 'vitest';
import { NotYet } from '../../src/domain/errors.js';
import { engineContract } from './engine-contract.js';
import { openDocker } from './open-docker.js';

engineContract('a real Docker engine', openDocker);

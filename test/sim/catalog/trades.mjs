/** All trades by key. */
import { heating, roofing, solar } from './trades-home.mjs';
import { dental, insurance, software } from './trades-services.mjs';

export const TRADES = { solar, roofing, heating, dental, insurance, software };

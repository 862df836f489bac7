"""Support: the part of the shop that receives customers' tickets."""
